// Original file: proto/runmesh/journal/v1/journal.proto


export interface CacheChecked {
  'runId'?: (string);
  'stepKey'?: (string);
  'hit'?: (boolean);
  'sourceRunId'?: (string);
  'sourceStepKey'?: (string);
  'reason'?: (string);
}

export interface CacheChecked__Output {
  'runId': (string);
  'stepKey': (string);
  'hit': (boolean);
  'sourceRunId': (string);
  'sourceStepKey': (string);
  'reason': (string);
}
