"""The status of a server: as tables for people, as plain values for programs."""

from rich.table import Table

from cluster.cli.quantities import count_text, size_text
from cluster.cli.tables import new_table
from protos.v1.admin_pb2 import GetStatusResponse, Tenant, TenantStatus


def process_table(answer: GetStatusResponse) -> Table:
    """What runs where."""
    table = new_table(f"Saluhall {answer.release}")
    table.add_column("Process")
    table.add_column("Pid", justify="right")
    table.add_column("Listens on", overflow="fold")
    table.add_column("Memory", justify="right")
    table.add_column("Restarts", justify="right")
    for process in answer.processes:
        table.add_row(
            process.role,
            str(process.pid or "-"),
            process.address,
            size_text(process.anonymous_memory_bytes),
            str(process.restart_count),
        )
    return table


def tenant_table(answer: GetStatusResponse) -> Table:
    """How each tenant is."""
    table = new_table("Tenants")
    table.add_column("Tenant")
    table.add_column("State")
    for name in ("Pid", "Memory", "Products", "Store", "Position", "Restarts"):
        table.add_column(name, justify="right", no_wrap=True)
    for tenant in answer.tenants:
        table.add_row(
            tenant.tenant.id,
            _state_of(tenant),
            str(tenant.pid or "-"),
            size_text(tenant.anonymous_memory_bytes),
            count_text(tenant.product_count),
            size_text(tenant.store_size_bytes),
            count_text(tenant.position),
            str(tenant.restart_count),
        )
    return table


def reader_table(answer: GetStatusResponse) -> Table | None:
    """The readers beside the tenants' primaries; None when no tenant has any."""
    table = new_table("Readers")
    table.add_column("Tenant")
    for name in ("Reader", "Pid", "Memory", "Restarts"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Why it does not answer", overflow="fold")
    for tenant in answer.tenants:
        for reader in tenant.readers:
            table.add_row(
                tenant.tenant.id,
                str(reader.index),
                str(reader.pid or "-"),
                size_text(reader.anonymous_memory_bytes),
                str(reader.restart_count),
                reader.message,
            )
    return table if table.row_count else None


def directory_table(answer: GetStatusResponse) -> Table:
    """Where each tenant's store is, and what is wrong with it: too long for one line with the rest."""
    table = new_table("Stores")
    table.add_column("Tenant")
    table.add_column("Directory", overflow="fold")
    for tenant in answer.tenants:
        lines = [tenant.directory, *([tenant.message] if tenant.message else [])]
        table.add_row(tenant.tenant.id, "\n".join(lines))
    return table


def status_content(answer: GetStatusResponse) -> dict[str, object]:
    """The same under the protocol's names; numbers are numbers."""
    return {
        "release": answer.release,
        "processes": [
            {
                "role": process.role,
                "pid": process.pid,
                "address": process.address,
                "anonymous_memory_bytes": process.anonymous_memory_bytes,
                "restart_count": process.restart_count,
            }
            for process in answer.processes
        ],
        "tenants": [
            {
                "id": tenant.tenant.id,
                "state": _state_of(tenant),
                "pid": tenant.pid,
                "anonymous_memory_bytes": tenant.anonymous_memory_bytes,
                "product_count": tenant.product_count,
                "store_size_bytes": tenant.store_size_bytes,
                "directory": tenant.directory,
                "position": tenant.position,
                "epoch": tenant.epoch,
                "restart_count": tenant.restart_count,
                "message": tenant.message,
                "readers": [
                    {
                        "index": reader.index,
                        "pid": reader.pid,
                        "anonymous_memory_bytes": reader.anonymous_memory_bytes,
                        "restart_count": reader.restart_count,
                        "message": reader.message,
                    }
                    for reader in tenant.readers
                ],
            }
            for tenant in answer.tenants
        ],
    }


def _state_of(tenant: TenantStatus) -> str:
    return Tenant.State.Name(tenant.tenant.state).lower()
