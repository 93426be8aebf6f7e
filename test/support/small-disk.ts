/** Small disks, made in memory, which only root may mount, and that only on Linux. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const mount = (folder: string, sizeBytes: number): void => {
	execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes},mode=700`, "tmpfs", folder], { stdio: "ignore" });
};

const unmount = (folder: string): void => {
	execFileSync("umount", ["--lazy", folder], { stdio: "ignore" });
};

const canMount = ((): boolean => {
	const probe = mkdtempSync(join(tmpdir(), "runmesh-mount-"));
	try {
		mount(probe, 1024 ** 2);
		unmount(probe);
		return true;
	} catch {
		return false;
	} finally {
		rmSync(probe, { recursive: true });
	}
})();
if (!canMount) console.warn("no small disk can be mounted here (that needs root on Linux): those tests are skipped");

export const smallDisk = {
	canMount,
	/** Until the test ends. */
	mountAt: (folder: string, sizeBytes: number): void => {
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		mount(folder, sizeBytes);
		onTestFinished(() => unmount(folder));
	},
};
