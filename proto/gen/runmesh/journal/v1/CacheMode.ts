// Original file: proto/runmesh/journal/v1/journal.proto

export const CacheMode = {
  CACHE_MODE_UNSPECIFIED: 'CACHE_MODE_UNSPECIFIED',
  CACHE_MODE_USE: 'CACHE_MODE_USE',
  CACHE_MODE_REFRESH: 'CACHE_MODE_REFRESH',
  CACHE_MODE_OFF: 'CACHE_MODE_OFF',
} as const;

export type CacheMode =
  | 'CACHE_MODE_UNSPECIFIED'
  | 0
  | 'CACHE_MODE_USE'
  | 1
  | 'CACHE_MODE_REFRESH'
  | 2
  | 'CACHE_MODE_OFF'
  | 3

export type CacheMode__Output = typeof CacheMode[keyof typeof CacheMode]
