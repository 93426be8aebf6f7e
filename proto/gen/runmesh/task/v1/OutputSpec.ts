// Original file: proto/runmesh/task/v1/task.proto


export interface OutputSpec {
  'name'?: (string);
  'path'?: (string);
  'asValue'?: (boolean);
}

export interface OutputSpec__Output {
  'name': (string);
  'path': (string);
  'asValue': (boolean);
}
