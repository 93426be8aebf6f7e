// Original file: proto/runmesh/advert/v1/advert.proto

import type { Long } from '@grpc/proto-loader';

export interface Gpu {
  'id'?: (string);
  'vendor'?: (string);
  'model'?: (string);
  'memoryBytes'?: (number | string | Long);
  'driver'?: (string);
  'index'?: (number);
  'computeCapability'?: (string);
  'parent'?: (string);
  'fault'?: (string);
}

export interface Gpu__Output {
  'id': (string);
  'vendor': (string);
  'model': (string);
  'memoryBytes': (number);
  'driver': (string);
  'index': (number);
  'computeCapability': (string);
  'parent': (string);
  'fault': (string);
}
