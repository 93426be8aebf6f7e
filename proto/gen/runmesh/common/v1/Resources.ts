// Original file: proto/runmesh/common/v1/common.proto

import type { GpuRequest as _runmesh_common_v1_GpuRequest, GpuRequest__Output as _runmesh_common_v1_GpuRequest__Output } from '../../../runmesh/common/v1/GpuRequest.ts';
import type { Long } from '@grpc/proto-loader';

export interface Resources {
  'cpuMillis'?: (number | string | Long);
  'memoryBytes'?: (number | string | Long);
  'gpu'?: (_runmesh_common_v1_GpuRequest | null);
  'diskBytes'?: (number | string | Long);
  'named'?: ({[key: string]: number | string | Long});
}

export interface Resources__Output {
  'cpuMillis': (number);
  'memoryBytes': (number);
  'gpu': (_runmesh_common_v1_GpuRequest__Output | null);
  'diskBytes': (number);
  'named': ({[key: string]: number});
}
