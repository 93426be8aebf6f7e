// Original file: proto/runmesh/report/v1/report.proto

import type { Long } from '@grpc/proto-loader';

export interface Usage {
  'setupMs'?: (number | string | Long);
  'cpuSeconds'?: (number | string);
  'peakMemoryBytes'?: (number | string | Long);
  'gpuSeconds'?: (number | string);
  'peakGpuMemoryBytes'?: (number | string | Long);
  'limits'?: ({[key: string]: string});
}

export interface Usage__Output {
  'setupMs': (number);
  'cpuSeconds': (number);
  'peakMemoryBytes': (number);
  'gpuSeconds': (number);
  'peakGpuMemoryBytes': (number);
  'limits': ({[key: string]: string});
}
