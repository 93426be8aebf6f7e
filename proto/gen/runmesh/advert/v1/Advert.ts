// Original file: proto/runmesh/advert/v1/advert.proto

import type { Fingerprint as _runmesh_advert_v1_Fingerprint, Fingerprint__Output as _runmesh_advert_v1_Fingerprint__Output } from '../../../runmesh/advert/v1/Fingerprint.ts';
import type { Resources as _runmesh_common_v1_Resources, Resources__Output as _runmesh_common_v1_Resources__Output } from '../../../runmesh/common/v1/Resources.ts';
import type { Endpoints as _runmesh_advert_v1_Endpoints, Endpoints__Output as _runmesh_advert_v1_Endpoints__Output } from '../../../runmesh/advert/v1/Endpoints.ts';
import type { ReplicaStatus as _runmesh_advert_v1_ReplicaStatus, ReplicaStatus__Output as _runmesh_advert_v1_ReplicaStatus__Output } from '../../../runmesh/advert/v1/ReplicaStatus.ts';
import type { Long } from '@grpc/proto-loader';

export interface Advert {
  'agentId'?: (string);
  'name'?: (string);
  'version'?: (string);
  'labels'?: ({[key: string]: string});
  'fingerprint'?: (_runmesh_advert_v1_Fingerprint | null);
  'capacity'?: (_runmesh_common_v1_Resources | null);
  'endpoints'?: (_runmesh_advert_v1_Endpoints | null);
  'cordoned'?: (boolean);
  'atMs'?: (number | string | Long);
  'replicas'?: (_runmesh_advert_v1_ReplicaStatus)[];
}

export interface Advert__Output {
  'agentId': (string);
  'name': (string);
  'version': (string);
  'labels': ({[key: string]: string});
  'fingerprint': (_runmesh_advert_v1_Fingerprint__Output | null);
  'capacity': (_runmesh_common_v1_Resources__Output | null);
  'endpoints': (_runmesh_advert_v1_Endpoints__Output | null);
  'cordoned': (boolean);
  'atMs': (number);
  'replicas': (_runmesh_advert_v1_ReplicaStatus__Output)[];
}
