import re

from fastapi import APIRouter, HTTPException, Query, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.database import Session
from app.models import Category, Product, ProductStatus, Tag
from app.schemas.products import CategoryIn, CategoryOut, ProductChange, ProductIn, ProductOut

router = APIRouter(tags=["products"])

RELATIONS = (selectinload(Product.category), selectinload(Product.tags))


def slug_of(name: str, sku: str) -> str:
    """Returns a readable part of an address. The SKU makes it unique."""
    return re.sub(r"[^a-z0-9]+", "-", f"{name} {sku}".lower()).strip("-")


async def load(session: AsyncSession, product_id: int) -> Product:
    query = select(Product).where(Product.id == product_id).options(*RELATIONS)
    product = await session.scalar(query.execution_options(populate_existing=True))
    if product is None:
        raise HTTPException(404, "no such product")
    return product


async def tags_named(session: AsyncSession, names: list[str]) -> list[Tag]:
    """Returns the tags with these names. Uses the tag of another request if both create the same one at once."""
    tags = []
    for name in sorted(set(names)):
        query = select(Tag).where(Tag.name == name)
        tag = await session.scalar(query)
        if tag is None:
            try:
                session.add(Tag(name=name))
                await session.commit()
            except IntegrityError:
                await session.rollback()
            tag = await session.scalar(query)
        tags.append(tag)
    return tags


@router.post("/categories", status_code=201, response_model=CategoryOut)
async def create_category(body: CategoryIn, session: Session) -> Category:
    category = Category(**body.model_dump())
    session.add(category)
    await session.commit()
    return category


@router.get("/categories", response_model=list[CategoryOut])
async def find_categories(session: Session) -> list[Category]:
    return list(await session.scalars(select(Category).order_by(Category.name)))


@router.delete("/categories/{category_id}", status_code=204)
async def delete_category(category_id: int, session: Session) -> Response:
    category = await session.get(Category, category_id)
    if category is None:
        raise HTTPException(404, "no such category")
    await session.delete(category)
    await session.commit()
    return Response(status_code=204)


@router.post("/products", status_code=201, response_model=ProductOut)
async def create(body: ProductIn, session: Session) -> Product:
    tags = await tags_named(session, body.tags)
    values = body.model_dump(exclude={"tags"})
    product = Product(**values, slug=slug_of(body.name, body.sku), tags=tags)
    session.add(product)
    await session.commit()
    return await load(session, product.id)


@router.get("/products", response_model=list[ProductOut])
async def find(
    session: Session,
    status: ProductStatus | None = None,
    tag: str | None = None,
    slug: str | None = None,
    limit: int = Query(50, ge=1, le=200),
    offset: int = Query(0, ge=0),
) -> list[Product]:
    query = select(Product).options(*RELATIONS).order_by(Product.id)
    if status is not None:
        query = query.where(Product.status == status)
    if tag is not None:
        query = query.where(Product.tags.any(Tag.name == tag))
    if slug is not None:
        query = query.where(Product.slug == slug)
    return list(await session.scalars(query.limit(limit).offset(offset)))


@router.get("/products/{product_id}", response_model=ProductOut)
async def read(product_id: int, session: Session) -> Product:
    return await load(session, product_id)


@router.patch("/products/{product_id}", response_model=ProductOut)
async def change(product_id: int, body: ProductChange, session: Session) -> Product:
    values = body.model_dump(exclude_unset=True)
    tags = values.pop("tags", None)
    found = None if tags is None else await tags_named(session, tags)
    product = await load(session, product_id)
    for name, value in values.items():
        # `None` removes the category. For other values it means "unchanged".
        if value is not None or name == "category_id":
            setattr(product, name, value)
    if "name" in values:
        product.slug = slug_of(product.name, product.sku)
    if found is not None:
        product.tags = found
    await session.commit()
    return await load(session, product_id)


@router.delete("/products/{product_id}", status_code=204)
async def delete(product_id: int, session: Session) -> Response:
    await session.delete(await load(session, product_id))
    await session.commit()
    return Response(status_code=204)
