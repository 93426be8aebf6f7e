// Original file: proto/runmesh/journal/v1/journal.proto


export interface StepReadied {
  'runId'?: (string);
  'stepKey'?: (string);
  'reason'?: (string);
}

export interface StepReadied__Output {
  'runId': (string);
  'stepKey': (string);
  'reason': (string);
}
