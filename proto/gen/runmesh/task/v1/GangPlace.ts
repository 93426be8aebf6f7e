// Original file: proto/runmesh/task/v1/task.proto


export interface GangPlace {
  'rank'?: (number);
  'size'?: (number);
  'masterAddr'?: (string);
  'masterPort'?: (number);
}

export interface GangPlace__Output {
  'rank': (number);
  'size': (number);
  'masterAddr': (string);
  'masterPort': (number);
}
