// Original file: proto/runmesh/advert/v1/advert.proto

import type { Gpu as _runmesh_advert_v1_Gpu, Gpu__Output as _runmesh_advert_v1_Gpu__Output } from '../../../runmesh/advert/v1/Gpu.ts';
import type { NetworkInterface as _runmesh_advert_v1_NetworkInterface, NetworkInterface__Output as _runmesh_advert_v1_NetworkInterface__Output } from '../../../runmesh/advert/v1/NetworkInterface.ts';
import type { Long } from '@grpc/proto-loader';

export interface Fingerprint {
  'hostname'?: (string);
  'os'?: (string);
  'arch'?: (string);
  'kernel'?: (string);
  'cpuModel'?: (string);
  'cpuCores'?: (number);
  'memoryBytes'?: (number | string | Long);
  'diskBytes'?: (number | string | Long);
  'gpus'?: (_runmesh_advert_v1_Gpu)[];
  'runtimes'?: ({[key: string]: string});
  'problems'?: ({[key: string]: string});
  'cpuSockets'?: (number);
  'numaNodes'?: (number);
  'swapBytes'?: (number | string | Long);
  'network'?: (_runmesh_advert_v1_NetworkInterface)[];
  'cgroup'?: (string);
  'limits'?: ({[key: string]: string});
}

export interface Fingerprint__Output {
  'hostname': (string);
  'os': (string);
  'arch': (string);
  'kernel': (string);
  'cpuModel': (string);
  'cpuCores': (number);
  'memoryBytes': (number);
  'diskBytes': (number);
  'gpus': (_runmesh_advert_v1_Gpu__Output)[];
  'runtimes': ({[key: string]: string});
  'problems': ({[key: string]: string});
  'cpuSockets': (number);
  'numaNodes': (number);
  'swapBytes': (number);
  'network': (_runmesh_advert_v1_NetworkInterface__Output)[];
  'cgroup': (string);
  'limits': ({[key: string]: string});
}
