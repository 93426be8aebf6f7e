// Original file: proto/runmesh/journal/v1/journal.proto


export interface AttemptStarted {
  'runId'?: (string);
  'stepKey'?: (string);
  'attemptId'?: (string);
}

export interface AttemptStarted__Output {
  'runId': (string);
  'stepKey': (string);
  'attemptId': (string);
}
