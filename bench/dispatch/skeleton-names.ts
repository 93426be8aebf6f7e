/** Streams of the bare skeleton; each has one subject and one consumer of its own name. */
export const skeleton = { journal: "BENCH_JOURNAL", tasks: "BENCH_TASKS", reports: "BENCH_REPORTS" } as const;
