// Original file: proto/runmesh/journal/v1/journal.proto


export interface RunAdmitted {
  'runId'?: (string);
}

export interface RunAdmitted__Output {
  'runId': (string);
}
