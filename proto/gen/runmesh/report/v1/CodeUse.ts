// Original file: proto/runmesh/report/v1/report.proto


export interface CodeUse {
  'paths'?: (string)[];
  'key'?: (string);
  'readsParams'?: (boolean);
}

export interface CodeUse__Output {
  'paths': (string)[];
  'key': (string);
  'readsParams': (boolean);
}
