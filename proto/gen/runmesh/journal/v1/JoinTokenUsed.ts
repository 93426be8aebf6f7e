// Original file: proto/runmesh/journal/v1/journal.proto


export interface JoinTokenUsed {
  'tokenId'?: (string);
  'host'?: (string);
  'useId'?: (string);
}

export interface JoinTokenUsed__Output {
  'tokenId': (string);
  'host': (string);
  'useId': (string);
}
