/** `npm run proto:gen`: TypeScript types from proto/, into proto/gen (committed), and the breaking-change baseline. */

import { execFileSync } from "node:child_process";
import { globSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

export const generateTypes = (outDir: string): void => {
	rmSync(outDir, { recursive: true, force: true });
	execFileSync(
		"proto-loader-gen-types",
		[
			...["--longs=Number", "--enums=String", "--defaults", "--oneofs", "--grpcLib=@grpc/grpc-js"],
			...["--targetFileExtension=.ts", "--importFileExtension=.ts", "--includeDirs=proto", `--outDir=${outDir}`],
			...globSync("runmesh/**/*.proto", { cwd: `${root}proto` }).sort(),
		],
		{ cwd: root, stdio: ["ignore", "ignore", "inherit"] },
	);
};

if (import.meta.main) {
	generateTypes(`${root}proto/gen`);
	// `--baseline` accepts today's contracts as the ones that later changes are held against.
	if (process.argv.includes("--baseline")) {
		execFileSync("buf", ["build", "-o", "baseline.binpb"], { cwd: `${root}proto`, stdio: "inherit" });
	}
}
