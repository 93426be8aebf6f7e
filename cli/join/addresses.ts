/** Addresses of a mesh as they serve from another machine: what names only its own machine there names that one here. */

import { RunmeshError } from "#shared/errors.ts";

const DEFAULT_PORT = "7400";

/** Of the coordinator's HTTP API, as people write it: "lab-1", "10.0.0.1:7400", "http://lab-1:7400/". */
export const coordinatorUrl = (text: string): string => {
	const hasScheme = /^[a-z]+:\/\//i.test(text);
	const full = hasScheme ? text : `http://${text}`;
	if (!URL.canParse(full) || !/^https?:$/.test(new URL(full).protocol)) {
		throw new RunmeshError("RM_BAD_INPUT", `"${text}" is not an http(s) URL`, {
			hint: "give the address of the mesh's coordinator, such as http://lab-1:7400",
		});
	}
	const url = new URL(full);
	if (!hasScheme && url.port === "") url.port = DEFAULT_PORT;
	return url.origin;
};

/** Without brackets around an IPv6 address. */
const plainHost = (host: string): string => host.replace(/^\[|\]$/g, "");

/** On these a program is reached from its own machine alone, or they are none to dial. */
export const isOwnAddress = (host: string): boolean => {
	const plain = plainHost(host);
	return plain === "localhost" || /^127\./.test(plain) || ["::1", "0.0.0.0", "::"].includes(plain);
};

export interface Endpoint {
	host: string;
	port: number;
}

/** Of "nats://host:port", or "host:port" with a scheme before it. */
export const endpointOf = (url: string): Endpoint => {
	const { protocol, hostname, port } = new URL(url);
	return { host: plainHost(hostname), port: port === "" ? (usualPorts[protocol] ?? 0) : Number(port) };
};

const usualPorts: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "nats:": 4222, "tls:": 4222 };

/** The same address with another host. */
export const withHost = (address: string, host: string): string => {
	const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
	const [, scheme = "", port = ""] = /^([a-z]+:\/\/)?.*?(:\d+)?\/?$/i.exec(address) ?? [];
	return `${scheme}${bracketed}${port}`;
};
