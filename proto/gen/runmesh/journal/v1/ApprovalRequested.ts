// Original file: proto/runmesh/journal/v1/journal.proto


export interface ApprovalRequested {
  'runId'?: (string);
  'stepKey'?: (string);
  'message'?: (string);
}

export interface ApprovalRequested__Output {
  'runId': (string);
  'stepKey': (string);
  'message': (string);
}
