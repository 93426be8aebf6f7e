// Original file: proto/runmesh/common/v1/common.proto

import type { Long } from '@grpc/proto-loader';

export interface ArtifactRef {
  'name'?: (string);
  'digest'?: (string);
  'sizeBytes'?: (number | string | Long);
  'fileCount'?: (number);
  'holders'?: (string)[];
  'valueJson'?: (string);
  '_valueJson'?: "valueJson";
}

export interface ArtifactRef__Output {
  'name': (string);
  'digest': (string);
  'sizeBytes': (number);
  'fileCount': (number);
  'holders': (string)[];
  'valueJson'?: (string);
  '_valueJson'?: "valueJson";
}
