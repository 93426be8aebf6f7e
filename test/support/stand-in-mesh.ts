/** Options for a mesh of stand-in nodes on free ports, beside any other mesh on the machine. */

import { fileURLToPath } from "node:url";
import type { MeshOptions } from "#cli/up/options.ts";

const standIn = fileURLToPath(new URL("./stand-in-node.ts", import.meta.url));

export const standInMesh: Partial<MeshOptions> = {
	httpPort: 0,
	grpcPort: 0,
	natsPort: 0,
	agentGrpcPort: 0,
	servingPort: 0,
	agentName: "lab",
	programs: { coordinator: standIn, agent: standIn },
};
