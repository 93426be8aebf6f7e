// Original file: proto/runmesh/journal/v1/journal.proto


export interface JoinTokenRevoked {
  'tokenId'?: (string);
  'by'?: (string);
}

export interface JoinTokenRevoked__Output {
  'tokenId': (string);
  'by': (string);
}
