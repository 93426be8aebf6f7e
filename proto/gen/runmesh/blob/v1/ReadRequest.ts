// Original file: proto/runmesh/blob/v1/blob.proto

import type { Long } from '@grpc/proto-loader';

export interface ReadRequest {
  'digest'?: (string);
  'offset'?: (number | string | Long);
  'length'?: (number | string | Long);
  'holders'?: (string)[];
}

export interface ReadRequest__Output {
  'digest': (string);
  'offset': (number);
  'length': (number);
  'holders': (string)[];
}
