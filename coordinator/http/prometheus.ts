/** Figures in Prometheus's text format. */

export interface MetricFamily {
	name: string;
	help: string;
	type: "gauge" | "counter";
	samples: { labels: Record<string, string>; value: number }[];
}

export const formatMetrics = (families: readonly MetricFamily[]): string =>
	families
		.map(({ name, help, type, samples }) =>
			[
				`# HELP ${name} ${help}`,
				`# TYPE ${name} ${type}`,
				...samples.map(({ labels, value }) => `${name}${formatLabels(labels)} ${value}`),
				"",
			].join("\n"),
		)
		.join("");

const formatLabels = (labels: Record<string, string>): string => {
	const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
	return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
};

const escapeValue = (value: string): string =>
	value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
