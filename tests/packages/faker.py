# faker
from faker import Faker
Faker.seed(1)
one = Faker("de_DE").name()
Faker.seed(1)
assert one == Faker("de_DE").name() and "@" in Faker().email()
