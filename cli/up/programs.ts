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

/** What Node itself is told for an agent or a coordinator. */
export const nodeFlags: readonly string[] = ["--disable-warning=ExperimentalWarning"];

/** glibc keeps a heap for each thread otherwise: several megabytes that an idle guest need not hold. */
export const leanMalloc: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: "1" };
