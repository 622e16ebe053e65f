"""ariadne-codegen: a typed asynchronous client, generated from schema.graphql."""

import asyncio
import io
import json
import sys

from samverkan_client import Client, CreateCampaignInput, OrderFilter, OrderStatus, Upload, UploadDocumentInput
from samverkan_client.exceptions import GraphQLClientGraphQLMultiError


async def pages(client: Client) -> list[int]:
    """How many orders each of the first two pages holds."""
    wanted = OrderFilter(status=[OrderStatus.APPROVED])
    first = (await client.orders(first=20, filter_=wanted)).orders
    assert first
    second = (await client.orders(first=20, filter_=wanted, after=first.page_info.end_cursor)).orders
    assert second
    return [len({order.id for order in (*first.nodes, *second.nodes)}), first.total_count]


async def problems(client: Client) -> list[str]:
    """Why a mutation was refused."""
    refused = (await client.create_campaign(CreateCampaignInput(template="nonsense", label="Ariadne"))).create_campaign
    assert refused
    return [f"{problem.code} {'.'.join(problem.path)}" for problem in refused.problems]


async def upload(client: Client) -> str:
    packages = (await client.published()).packages
    assert packages
    file = Upload(filename="windows.txt", content=io.BytesIO(b"how the windows look"), content_type="text/plain")
    uploaded = await client.upload_document(UploadDocumentInput(packageId=packages.nodes[0].id, file=file))
    assert uploaded.upload_document and uploaded.upload_document.document
    return uploaded.upload_document.document.name


async def error(client: Client) -> list[object]:
    try:
        await client.partly(id="nonsense")
    except GraphQLClientGraphQLMultiError as failed:
        return [failed.errors[0].extensions, failed.errors[0].path, failed.data]
    return []


async def main(url: str, token: str) -> None:
    async with Client(url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        seen = [await pages(client), await problems(client), await upload(client), await error(client)]
    json.dump(seen, sys.stdout)


asyncio.run(main(*sys.argv[1:]))
