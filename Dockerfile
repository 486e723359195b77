# The image of one service: docker build --build-arg SERVICE=gateway .
#
# The binary is static and the same for the same source and Go. With --timestamp 0 (buildah), or
# SOURCE_DATE_EPOCH=0 and rewrite-timestamp (BuildKit), so is the image. For a build that is good for years,
# give both images by their digests.
ARG GO_IMAGE=docker.io/library/golang:1.26-bookworm
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot

FROM ${GO_IMAGE} AS build
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOMODCACHE=/cache/modules GOCACHE=/cache/build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/cache go mod download
COPY . .
ARG SERVICE=gateway
RUN --mount=type=cache,target=/cache \
    go build -trimpath -ldflags "-s -w -buildid=" -o /out/service ./services/${SERVICE}

FROM ${BASE_IMAGE}
ARG SERVICE=gateway
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tidewire-${SERVICE}" \
      org.opencontainers.image.description="Tidewire: real-time dashboards for many users and many tenants" \
      org.opencontainers.image.source="https://github.com/tidewire/tidewire" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/service /service
USER 65532:65532
ENTRYPOINT ["/service"]
