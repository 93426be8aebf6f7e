// Original file: proto/runmesh/journal/v1/journal.proto


export interface RunTimedOut {
  'runId'?: (string);
  'reason'?: (string);
}

export interface RunTimedOut__Output {
  'runId': (string);
  'reason': (string);
}
