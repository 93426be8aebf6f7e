/** The programs of a mesh's own processes. They are started, never imported. */

import { fileURLToPath } from "node:url";

export interface NodePrograms {
	coordinator: string;
	agent: string;
}

export const nodePrograms: NodePrograms = {
	coordinator: fileURLToPath(new URL("../../coordinator/main.ts", import.meta.url)),
	agent: fileURLToPath(new URL("../../agent/main.ts", import.meta.url)),
};
