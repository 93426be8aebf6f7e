/** The OpenAPI document, made of the routes themselves, so that it can't say anything else than they do. */

import type { FastifyInstance, RouteOptions } from "fastify";
import { ZodType, z } from "zod";

type Json = Record<string, unknown>;

/** Notes every route from now on; the answer makes the document. */
export const describeRoutes = (app: FastifyInstance): (() => Json) => {
	const routes: RouteOptions[] = [];
	app.addHook("onRoute", (route) => {
		routes.push(route);
	});
	return () => {
		const paths: Record<string, Json> = {};
		for (const route of routes) {
			const path = route.url.replace(/:(\w+)/g, "{$1}");
			paths[path] ??= {};
			for (const method of [route.method].flat()) paths[path][method.toLowerCase()] = operationOf(route);
		}
		return {
			openapi: "3.1.0",
			info: { title: "runmesh", version: "v1", description: "The resources are described in shared/api.ts." },
			components: {
				securitySchemes: { token: { type: "http", scheme: "bearer" } },
			},
			security: [{ token: [] }],
			paths,
		};
	};
};

const operationOf = ({ schema, config }: RouteOptions): Json => ({
	summary: config?.summary ?? "",
	...(config?.open ? { security: [] } : {}),
	parameters: [
		...parametersOf("path", schema?.params),
		...parametersOf("query", schema?.querystring),
		...parametersOf("header", schema?.headers),
	],
	...(schema?.body instanceof ZodType
		? { requestBody: { required: true, content: { "application/json": { schema: jsonSchema(schema.body) } } } }
		: {}),
	responses: {
		"2XX": { description: "As the summary says." },
		default: { description: "A problem.", content: { "application/problem+json": {} } },
	},
});

const parametersOf = (place: "path" | "query" | "header", schema: unknown): Json[] => {
	if (!(schema instanceof ZodType)) return [];
	const { properties = {}, required = [] } = jsonSchema(schema) as { properties?: Json; required?: string[] };
	return Object.entries(properties).map(([name, property]) => ({
		name,
		in: place,
		required: required.includes(name),
		schema: property,
	}));
};

const jsonSchema = (schema: ZodType): Json => {
	const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
	return rest;
};
