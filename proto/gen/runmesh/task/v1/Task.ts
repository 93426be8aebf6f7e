// Original file: proto/runmesh/task/v1/task.proto

import type { CommandAction as _runmesh_task_v1_CommandAction, CommandAction__Output as _runmesh_task_v1_CommandAction__Output } from '../../../runmesh/task/v1/CommandAction.ts';
import type { NoopAction as _runmesh_task_v1_NoopAction, NoopAction__Output as _runmesh_task_v1_NoopAction__Output } from '../../../runmesh/task/v1/NoopAction.ts';
import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';
import type { OutputSpec as _runmesh_task_v1_OutputSpec, OutputSpec__Output as _runmesh_task_v1_OutputSpec__Output } from '../../../runmesh/task/v1/OutputSpec.ts';
import type { Resources as _runmesh_common_v1_Resources, Resources__Output as _runmesh_common_v1_Resources__Output } from '../../../runmesh/common/v1/Resources.ts';
import type { EnvironmentSpec as _runmesh_task_v1_EnvironmentSpec, EnvironmentSpec__Output as _runmesh_task_v1_EnvironmentSpec__Output } from '../../../runmesh/task/v1/EnvironmentSpec.ts';
import type { Limits as _runmesh_task_v1_Limits, Limits__Output as _runmesh_task_v1_Limits__Output } from '../../../runmesh/task/v1/Limits.ts';
import type { GangPlace as _runmesh_task_v1_GangPlace, GangPlace__Output as _runmesh_task_v1_GangPlace__Output } from '../../../runmesh/task/v1/GangPlace.ts';
import type { Long } from '@grpc/proto-loader';

export interface Task {
  'runId'?: (string);
  'pipeline'?: (string);
  'stepKey'?: (string);
  'attemptId'?: (string);
  'attemptNumber'?: (number);
  'fence'?: (number | string | Long);
  'command'?: (_runmesh_task_v1_CommandAction | null);
  'noop'?: (_runmesh_task_v1_NoopAction | null);
  'env'?: ({[key: string]: string});
  'inputs'?: (_runmesh_common_v1_ArtifactRef)[];
  'outputs'?: (_runmesh_task_v1_OutputSpec)[];
  'resources'?: (_runmesh_common_v1_Resources | null);
  'paramsJson'?: (string);
  'timeoutMs'?: (number | string | Long);
  'graceMs'?: (number | string | Long);
  'code'?: (_runmesh_common_v1_ArtifactRef | null);
  'leaderEpoch'?: (number | string | Long);
  'trackCode'?: (boolean);
  'image'?: (string);
  'environment'?: (_runmesh_task_v1_EnvironmentSpec | null);
  'limits'?: (_runmesh_task_v1_Limits | null);
  'gang'?: (_runmesh_task_v1_GangPlace | null);
  'action'?: "command"|"noop";
}

export interface Task__Output {
  'runId': (string);
  'pipeline': (string);
  'stepKey': (string);
  'attemptId': (string);
  'attemptNumber': (number);
  'fence': (number);
  'command'?: (_runmesh_task_v1_CommandAction__Output | null);
  'noop'?: (_runmesh_task_v1_NoopAction__Output | null);
  'env': ({[key: string]: string});
  'inputs': (_runmesh_common_v1_ArtifactRef__Output)[];
  'outputs': (_runmesh_task_v1_OutputSpec__Output)[];
  'resources': (_runmesh_common_v1_Resources__Output | null);
  'paramsJson': (string);
  'timeoutMs': (number);
  'graceMs': (number);
  'code': (_runmesh_common_v1_ArtifactRef__Output | null);
  'leaderEpoch': (number);
  'trackCode': (boolean);
  'image': (string);
  'environment': (_runmesh_task_v1_EnvironmentSpec__Output | null);
  'limits': (_runmesh_task_v1_Limits__Output | null);
  'gang': (_runmesh_task_v1_GangPlace__Output | null);
  'action'?: "command"|"noop";
}
