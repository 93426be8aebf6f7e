// Original file: proto/runmesh/journal/v1/journal.proto


export interface MatrixExpanded {
  'runId'?: (string);
  'stepKey'?: (string);
  'cellsJson'?: (string);
}

export interface MatrixExpanded__Output {
  'runId': (string);
  'stepKey': (string);
  'cellsJson': (string);
}
