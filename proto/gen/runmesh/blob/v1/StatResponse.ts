// Original file: proto/runmesh/blob/v1/blob.proto

import type { Long } from '@grpc/proto-loader';

export interface StatResponse {
  'sizeBytes'?: (number | string | Long)[];
}

export interface StatResponse__Output {
  'sizeBytes': (number)[];
}
