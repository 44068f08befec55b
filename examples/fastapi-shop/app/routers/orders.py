from collections import Counter
from decimal import Decimal

from fastapi import APIRouter, HTTPException, Query, Response
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.database import Session
from app.models import Address, Customer, Order, OrderLine, OrderStatus, Product, ProductStatus
from app.schemas.orders import OrderChange, OrderIn, OrderOut

router = APIRouter(prefix="/orders", tags=["orders"])

RELATIONS = (selectinload(Order.customer), selectinload(Order.lines).selectinload(OrderLine.product))

# The statuses that can follow a status.
NEXT_STATUSES = {
    OrderStatus.PENDING: {OrderStatus.PAID, OrderStatus.CANCELLED},
    OrderStatus.PAID: {OrderStatus.SHIPPED, OrderStatus.REFUNDED},
    OrderStatus.SHIPPED: {OrderStatus.REFUNDED},
    OrderStatus.CANCELLED: set(),
    OrderStatus.REFUNDED: set(),
}


async def load(session: AsyncSession, order_id: int) -> Order:
    query = select(Order).where(Order.id == order_id).options(*RELATIONS)
    order = await session.scalar(query.execution_options(populate_existing=True))
    if order is None:
        raise HTTPException(404, "no such order")
    return order


async def address_of(session: AsyncSession, customer_id: int, address_id: int) -> dict[str, str]:
    """Returns a copy of the address. The order keeps the address that it was placed with."""
    address = await session.get(Address, address_id)
    if address is None or address.customer_id != customer_id:
        raise HTTPException(404, "no such address of this customer")
    return {"street": address.street, "city": address.city, "country": address.country}


@router.post("", status_code=201, response_model=OrderOut)
async def create(body: OrderIn, session: Session) -> Order:
    if await session.get(Customer, body.customer_id) is None:
        raise HTTPException(404, "no such customer")
    address = None
    if body.shipping_address_id is not None:
        address = await address_of(session, body.customer_id, body.shipping_address_id)
    wanted = Counter()
    for line in body.lines:
        wanted[line.product_id] += line.quantity
    known = await session.execute(select(Product.id, Product.price).where(Product.id.in_(wanted)))
    prices = {row.id: row.price for row in known}
    if missing := sorted(set(wanted) - set(prices)):
        raise HTTPException(404, f"no such product: {missing[0]}")
    # Every request updates the products in the same order, so that two requests don't deadlock.
    for product_id, quantity in sorted(wanted.items()):
        taken = await session.execute(
            update(Product)
            .where(Product.id == product_id, Product.status == ProductStatus.ACTIVE, Product.stock >= quantity)
            .values(stock=Product.stock - quantity)
        )
        if taken.rowcount == 0:
            raise HTTPException(409, f"not enough of product {product_id}")
    order = Order(
        customer_id=body.customer_id,
        shipping_address=address,
        total=sum((prices[line.product_id] * line.quantity for line in body.lines), Decimal(0)),
        lines=[
            OrderLine(product_id=line.product_id, quantity=line.quantity, unit_price=prices[line.product_id])
            for line in body.lines
        ],
    )
    session.add(order)
    await session.commit()
    return await load(session, order.id)


@router.get("", response_model=list[OrderOut])
async def find(
    session: Session,
    status: OrderStatus | None = None,
    customer_id: int | None = None,
    limit: int = Query(50, ge=1, le=200),
    offset: int = Query(0, ge=0),
) -> list[Order]:
    query = select(Order).options(*RELATIONS).order_by(Order.placed_at, Order.id)
    if status is not None:
        query = query.where(Order.status == status)
    if customer_id is not None:
        query = query.where(Order.customer_id == customer_id)
    return list(await session.scalars(query.limit(limit).offset(offset)))


@router.get("/{order_id}", response_model=OrderOut)
async def read(order_id: int, session: Session) -> Order:
    return await load(session, order_id)


@router.patch("/{order_id}", response_model=OrderOut)
async def change(order_id: int, body: OrderChange, session: Session) -> Order:
    order = await load(session, order_id)
    if body.status not in NEXT_STATUSES[order.status]:
        raise HTTPException(409, f"an order can't go from {order.status.value} to {body.status.value}")
    moved = await session.execute(
        update(Order)
        .where(Order.id == order_id, Order.status == order.status)
        .values(status=body.status)
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount == 0:
        raise HTTPException(409, "another request has changed the order meanwhile")
    if body.status is OrderStatus.CANCELLED:
        for line in sorted(order.lines, key=lambda line: line.product_id):
            await session.execute(
                update(Product)
                .where(Product.id == line.product_id)
                .values(stock=Product.stock + line.quantity)
                .execution_options(synchronize_session=False)
            )
    await session.commit()
    return await load(session, order_id)


@router.delete("/{order_id}", status_code=204)
async def delete(order_id: int, session: Session) -> Response:
    order = await load(session, order_id)
    if order.status is not OrderStatus.CANCELLED:
        raise HTTPException(409, "only a cancelled order can be deleted")
    await session.delete(order)
    await session.commit()
    return Response(status_code=204)
