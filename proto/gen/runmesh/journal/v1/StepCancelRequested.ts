// Original file: proto/runmesh/journal/v1/journal.proto


export interface StepCancelRequested {
  'runId'?: (string);
  'stepKey'?: (string);
  'reason'?: (string);
}

export interface StepCancelRequested__Output {
  'runId': (string);
  'stepKey': (string);
  'reason': (string);
}
