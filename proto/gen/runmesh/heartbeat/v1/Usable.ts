// Original file: proto/runmesh/heartbeat/v1/heartbeat.proto

import type { UsableDevice as _runmesh_heartbeat_v1_UsableDevice, UsableDevice__Output as _runmesh_heartbeat_v1_UsableDevice__Output } from '../../../runmesh/heartbeat/v1/UsableDevice.ts';
import type { Long } from '@grpc/proto-loader';

export interface Usable {
  'cpuMillis'?: (number | string | Long);
  'memoryBytes'?: (number | string | Long);
  'diskBytes'?: (number | string | Long);
  'devices'?: (_runmesh_heartbeat_v1_UsableDevice)[];
}

export interface Usable__Output {
  'cpuMillis': (number);
  'memoryBytes': (number);
  'diskBytes': (number);
  'devices': (_runmesh_heartbeat_v1_UsableDevice__Output)[];
}
