/** What a coordinator gives to a machine that joins, read with care and made fit for this machine. */

import { z } from "zod";
import type { JoinGrant } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import { endpointOf, isOwnAddress, withHost } from "./addresses.ts";
import { type Reached, reach } from "./reach.ts";

const secret = z.string().min(1).max(1_000);

const grantSchema: z.ZodType<JoinGrant> = z.object({
	nats: z
		.array(z.string().refine((url) => URL.canParse(url) && endpointOf(url).port > 0))
		.min(1)
		.max(16),
	coordinator: z.string().refine((at) => /^.+:\d{1,5}$/.test(at) && URL.canParse(`tcp://${at}`)),
	credentials: z.object({
		apiToken: secret,
		inferenceToken: secret,
		meshToken: secret,
		natsUser: secret,
		natsPassword: secret,
	}),
});

export const readGrant = (answer: unknown, url: string): JoinGrant => {
	const read = grantSchema.safeParse(answer);
	if (read.success) return read.data;
	throw new RunmeshError("RM_UNAVAILABLE", `what listens at ${url} does not answer as a coordinator does`, {
		hint: "give the address of the mesh's coordinator, and use the same release of runmesh on both machines",
		cause: read.error,
	});
};

export interface Wires {
	nats: string[];
	coordinator: string;
	/** Of this machine, on the way to the coordinator; "" when it can't be reached. */
	localAddress: string;
	/** What can't be reached from here, and what to do about it. */
	problems: { what: string; hint: string }[];
}

/**
 * The addresses as they serve from here. The coordinator is where we joined it, whatever it is called there, unless only
 * something before it listens there; NATS may be elsewhere, unless its address names the coordinator's own machine.
 */
export const wiresFrom = async ({ nats, coordinator }: JoinGrant, url: string): Promise<Wires> => {
	const [coordinatorWire, ...natsWires] = await Promise.all([
		wire("the coordinator's gRPC", "tcp://", hostsOf(coordinator, "tcp://", url).reverse(), url),
		...nats.map((address) => wire("NATS", "", hostsOf(address, "", url), url)),
	]);
	const natsProblems = natsWires.flatMap(({ problem }) => problem ?? []);
	return {
		nats: natsWires.map(({ address }) => address),
		coordinator: coordinatorWire.address,
		localAddress: coordinatorWire.localAddress,
		problems: [
			...(coordinatorWire.problem ? [coordinatorWire.problem] : []),
			// Of several servers one is enough.
			...(natsProblems.length === natsWires.length ? natsProblems.slice(0, 1) : []),
		],
	};
};

interface Wire {
	address: string;
	localAddress: string;
	problem: { what: string; hint: string } | null;
}

/** As given, where that is an address for others, and with the host that we joined by. */
const hostsOf = (given: string, scheme: string, url: string): string[] => {
	const own = withHost(given, endpointOf(url).host);
	return isOwnAddress(endpointOf(scheme + given).host) ? [own] : [...new Set([given, own])];
};

/** The first of the candidates that answers. */
const wire = async (name: string, scheme: string, candidates: readonly string[], url: string): Promise<Wire> => {
	let first: Reached | undefined;
	for (const address of candidates) {
		const reached = await reach(endpointOf(scheme + address));
		if (reached.ok) return { address, localAddress: reached.localAddress, problem: null };
		first ??= reached;
	}
	const [address = ""] = candidates;
	const { host, port } = endpointOf(scheme + address);
	const reason = first && !first.ok ? first.reason : "";
	const refused = first && !first.ok && first.code === "ECONNREFUSED";
	return {
		address,
		localAddress: "",
		problem: {
			what: `${name} at ${address} can't be reached from here: ${reason}`,
			hint: refused
				? `it listens only on its own machine: start that mesh with \`runmesh up --host ${endpointOf(url).host}\``
				: `let this machine reach port ${port} of ${host}: its firewall, or one between, keeps it away`,
		},
	};
};
