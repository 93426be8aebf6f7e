// Original file: proto/runmesh/task/v1/task.proto

export const EnvironmentKind = {
  ENVIRONMENT_KIND_UNSPECIFIED: 'ENVIRONMENT_KIND_UNSPECIFIED',
  ENVIRONMENT_KIND_PYTHON: 'ENVIRONMENT_KIND_PYTHON',
  ENVIRONMENT_KIND_CONDA: 'ENVIRONMENT_KIND_CONDA',
  ENVIRONMENT_KIND_NODE: 'ENVIRONMENT_KIND_NODE',
} as const;

export type EnvironmentKind =
  | 'ENVIRONMENT_KIND_UNSPECIFIED'
  | 0
  | 'ENVIRONMENT_KIND_PYTHON'
  | 1
  | 'ENVIRONMENT_KIND_CONDA'
  | 2
  | 'ENVIRONMENT_KIND_NODE'
  | 3

export type EnvironmentKind__Output = typeof EnvironmentKind[keyof typeof EnvironmentKind]
