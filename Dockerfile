# One image for every process of a mesh: coordinator, agents, command line. See docs/docker.md.
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS packages
WORKDIR /opt/runmesh
COPY package.json package-lock.json .npmrc ./
# Without scripts: ours fetches a nats-server, which runs in a container of its own here. ONNX Runtime comes for every
# platform at once; only this one's stays.
RUN npm ci --omit=dev --ignore-scripts \
	&& find node_modules/onnxruntime-node/bin/napi-v*/* -maxdepth 1 -mindepth 1 \
		! -path "*/linux/$(node -p process.arch)" -exec rm -rf {} +

FROM ${BASE_IMAGE}
ENV NODE_ENV=production RUNMESH_HOME=/var/lib/runmesh
WORKDIR /opt/runmesh
COPY --from=packages /opt/runmesh/node_modules node_modules
COPY . .
# A volume takes over the owner of the folder that it is mounted on.
RUN ln -s /opt/runmesh/bin/runmesh.mjs /usr/local/bin/runmesh \
	&& cd "$(dirname "$RUNMESH_HOME")" && umask 077 \
	&& mkdir -p runmesh/coordinator runmesh/agent runmesh/nats && chown -R node:node runmesh
USER node
EXPOSE 7400 7401 7402 8000
ENTRYPOINT ["runmesh"]
CMD ["--help"]
