# pydantic<2
from typing import List, Optional
from pydantic import BaseModel, Field, ValidationError, validator

class Item(BaseModel):
    name: str = Field(min_length=1)
    price: float
    tags: List[str] = []
    note: Optional[str] = None

    @validator("name")
    def clean(cls, value): return value.strip()

item = Item.parse_raw('{"name": " a ", "price": "1.5", "tags": ["t"]}')
assert item.dict() == {"name": "a", "price": 1.5, "tags": ["t"], "note": None}
try: Item(name="", price="x")
except ValidationError as error: assert len(error.errors()) == 2
assert Item.schema()["required"] == ["name", "price"]
