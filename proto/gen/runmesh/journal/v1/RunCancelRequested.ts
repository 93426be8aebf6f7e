// Original file: proto/runmesh/journal/v1/journal.proto


export interface RunCancelRequested {
  'runId'?: (string);
  'reason'?: (string);
}

export interface RunCancelRequested__Output {
  'runId': (string);
  'reason': (string);
}
