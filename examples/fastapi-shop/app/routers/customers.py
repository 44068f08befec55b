from fastapi import APIRouter, HTTPException, Query, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.database import Session
from app.models import Address, Customer, CustomerTier
from app.schemas.customers import AddressIn, CustomerChange, CustomerIn, CustomerOut

router = APIRouter(prefix="/customers", tags=["customers"])


async def load(session: AsyncSession, customer_id: int) -> Customer:
    query = select(Customer).where(Customer.id == customer_id).options(selectinload(Customer.addresses))
    # Reads the row again: a commit or another request may have changed it.
    customer = await session.scalar(query.execution_options(populate_existing=True))
    if customer is None:
        raise HTTPException(404, "no such customer")
    return customer


@router.post("", status_code=201, response_model=CustomerOut)
async def create(body: CustomerIn, session: Session) -> Customer:
    values = body.model_dump(exclude={"addresses"})
    customer = Customer(**values, addresses=[Address(**address.model_dump()) for address in body.addresses])
    session.add(customer)
    await session.commit()
    return await load(session, customer.id)


@router.get("", response_model=list[CustomerOut])
async def find(
    session: Session,
    tier: CustomerTier | None = None,
    limit: int = Query(50, ge=1, le=200),
    offset: int = Query(0, ge=0),
) -> list[Customer]:
    query = select(Customer).options(selectinload(Customer.addresses)).order_by(Customer.id)
    if tier is not None:
        query = query.where(Customer.tier == tier)
    return list(await session.scalars(query.limit(limit).offset(offset)))


@router.get("/{customer_id}", response_model=CustomerOut)
async def read(customer_id: int, session: Session) -> Customer:
    return await load(session, customer_id)


@router.patch("/{customer_id}", response_model=CustomerOut)
async def change(customer_id: int, body: CustomerChange, session: Session) -> Customer:
    customer = await load(session, customer_id)
    for name, value in body.model_dump(exclude_unset=True, exclude_none=True).items():
        setattr(customer, name, value)
    await session.commit()
    return await load(session, customer_id)


@router.post("/{customer_id}/addresses", status_code=201, response_model=CustomerOut)
async def add_address(customer_id: int, body: AddressIn, session: Session) -> Customer:
    customer = await load(session, customer_id)
    customer.addresses.append(Address(**body.model_dump()))
    await session.commit()
    return await load(session, customer_id)


@router.delete("/{customer_id}", status_code=204)
async def delete(customer_id: int, session: Session) -> Response:
    await session.delete(await load(session, customer_id))
    await session.commit()
    return Response(status_code=204)
