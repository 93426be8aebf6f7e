// Original file: proto/runmesh/common/v1/common.proto

import type { ManifestEntry as _runmesh_common_v1_ManifestEntry, ManifestEntry__Output as _runmesh_common_v1_ManifestEntry__Output } from '../../../runmesh/common/v1/ManifestEntry.ts';

export interface Manifest {
  'entries'?: (_runmesh_common_v1_ManifestEntry)[];
  'singleFile'?: (boolean);
}

export interface Manifest__Output {
  'entries': (_runmesh_common_v1_ManifestEntry__Output)[];
  'singleFile': (boolean);
}
