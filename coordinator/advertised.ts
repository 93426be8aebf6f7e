/** The ports that this coordinator has opened, at the address that others know it by. */

const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address);

export const advertisedUrl = (address: string, url: string): string =>
	`http://${bracketed(address)}:${new URL(url).port}`;

export const advertisedGrpc = (address: string, grpc: string): string =>
	`${bracketed(address)}:${grpc.slice(grpc.lastIndexOf(":") + 1)}`;
