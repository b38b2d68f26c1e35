import pytest

from server import Server


@pytest.fixture
def serve():
    """Starts servers, and ends them with the test."""
    servers = []

    def start(*arguments, **options):
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve):
    return serve()
