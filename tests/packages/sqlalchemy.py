# sqlalchemy
from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

class Base(DeclarativeBase): pass
class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship(back_populates="user")
class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user: Mapped[User] = relationship(back_populates="posts")

engine = create_engine("sqlite:///all.db")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(User(name="a", posts=[Post(), Post()]))
    session.commit()
with Session(engine) as session, Session(engine) as other:
    assert session.scalar(select(func.count()).select_from(Post)) == 2
    assert other.scalars(select(User)).one().posts[1].user.name == "a"
