// Original file: proto/runmesh/task/v1/task.proto


export interface CommandAction {
  'command'?: (string);
  'shell'?: (string)[];
  'workdir'?: (string);
}

export interface CommandAction__Output {
  'command': (string);
  'shell': (string)[];
  'workdir': (string);
}
