// Original file: proto/runmesh/common/v1/common.proto

import type { Long } from '@grpc/proto-loader';

export interface ManifestEntry {
  'path'?: (string);
  'digest'?: (string);
  'sizeBytes'?: (number | string | Long);
  'executable'?: (boolean);
  'linkTarget'?: (string);
}

export interface ManifestEntry__Output {
  'path': (string);
  'digest': (string);
  'sizeBytes': (number);
  'executable': (boolean);
  'linkTarget': (string);
}
