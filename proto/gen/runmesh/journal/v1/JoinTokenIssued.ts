// Original file: proto/runmesh/journal/v1/journal.proto

import type { Long } from '@grpc/proto-loader';

export interface JoinTokenIssued {
  'tokenId'?: (string);
  'secretHash'?: (string);
  'expiresAtMs'?: (number | string | Long);
  'uses'?: (number);
  'by'?: (string);
}

export interface JoinTokenIssued__Output {
  'tokenId': (string);
  'secretHash': (string);
  'expiresAtMs': (number);
  'uses': (number);
  'by': (string);
}
