// Original file: proto/runmesh/journal/v1/journal.proto


export interface ApprovalAnswered {
  'runId'?: (string);
  'stepKey'?: (string);
  'approved'?: (boolean);
  'by'?: (string);
  'comment'?: (string);
}

export interface ApprovalAnswered__Output {
  'runId': (string);
  'stepKey': (string);
  'approved': (boolean);
  'by': (string);
  'comment': (string);
}
