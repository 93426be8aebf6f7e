// Original file: proto/runmesh/task/v1/task.proto

import type { EnvironmentKind as _runmesh_task_v1_EnvironmentKind, EnvironmentKind__Output as _runmesh_task_v1_EnvironmentKind__Output } from '../../../runmesh/task/v1/EnvironmentKind.ts';

export interface EnvironmentSpec {
  'kind'?: (_runmesh_task_v1_EnvironmentKind);
  'file'?: (string);
  'packages'?: (string)[];
  'version'?: (string);
}

export interface EnvironmentSpec__Output {
  'kind': (_runmesh_task_v1_EnvironmentKind__Output);
  'file': (string);
  'packages': (string)[];
  'version': (string);
}
