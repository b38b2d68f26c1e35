# dsql-sim as a container: a static binary in an image with nothing else. docs/container.md explains it, and
# tests/clients/python/test_container.py runs these commands outside a container.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --release --target "$(uname -m)-unknown-linux-gnu" --bin dsql-sim
RUN cp "target/$(uname -m)-unknown-linux-gnu/release/dsql-sim" /dsql-sim

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /dsql-sim /dsql-sim
EXPOSE 4566
HEALTHCHECK --interval=2s --timeout=5s --start-period=5s CMD ["/dsql-sim", "health", "http://127.0.0.1:4566"]
ENTRYPOINT ["/dsql-sim"]
CMD ["serve", "--listen", "0.0.0.0", "--port", "4566"]
